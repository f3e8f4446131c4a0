-- A state file of version 1, as `.dump` of sqlite3 shows it: one PENDING instance, one ClientToken, two
-- fault rules of which the first was used once.
CREATE TABLE partition (
  part integer primary key,
  kind text not null,
  account text not null,
  region text not null,
  n integer not null default 0,
  unique (kind, account, region)
);
INSERT INTO "partition" VALUES(1,'instance','100000000001','ap-guangzhou',1);
CREATE TABLE resource (
  rid integer primary key autoincrement,
  part integer not null,
  id text not null unique,
  doc text not null,
  hidden text not null
);
INSERT INTO resource VALUES(1,1,'ins-7pj0bxem','{"Placement":{"Zone":"ap-guangzhou-3","ProjectId":0,"HostIds":[],"HostId":""},"InstanceId":"ins-7pj0bxem","InstanceType":"S5.MEDIUM2","CPU":2,"Memory":2,"RestrictState":"NORMAL","InstanceName":"Unnamed","InstanceChargeType":"POSTPAID_BY_HOUR","SystemDisk":{"DiskType":"CLOUD_PREMIUM","DiskId":"disk-b0hnufon","DiskSize":50,"CdcId":null,"DiskName":""},"DataDisks":[],"PrivateIpAddresses":["10.31.126.240"],"PublicIpAddresses":null,"InternetAccessible":{"InternetChargeType":"TRAFFIC_POSTPAID_BY_HOUR","InternetMaxBandwidthOut":0,"PublicIpAssigned":false,"BandwidthPackageId":""},"VirtualPrivateCloud":{"VpcId":"vpc-wivu40py","SubnetId":"subnet-0jpajog5","AsVpcGateway":false,"PrivateIpAddresses":["10.31.126.240"],"Ipv6AddressCount":0},"ImageId":"img-487zeit5","RenewFlag":null,"CreatedTime":"2026-01-01T00:00:00Z","ExpiredTime":null,"OsName":"Ubuntu Server 22.04 LTS 64bit","SecurityGroupIds":["sg-52vlwars"],"LoginSettings":{"KeyIds":[]},"InstanceState":"PENDING","Tags":[],"StopChargingMode":"NOT_APPLICABLE","Uuid":"035e3473-5426-4332-8fb0-2844304270f4","LatestOperation":"RunInstances","LatestOperationState":"OPERATING","LatestOperationRequestId":"bc8fe9c2-058c-4624-8331-d4f0005f238d","DisasterRecoverGroupId":"","IPv6Addresses":null,"CamRoleName":"","HpcClusterId":"","RdmaIpAddresses":[],"DedicatedClusterId":"","IsolatedSource":"NOTISOLATED","GPUInfo":null,"LicenseType":"TencentCloud","DisableApiTermination":false,"DefaultLoginUser":"ubuntu","DefaultLoginPort":22,"LatestOperationErrorMsg":""}','{"UserData":"","HostName":""}');
CREATE TABLE attribute (
  part integer not null,
  name integer not null,
  value text not null,
  rid integer not null,
  primary key (part, name, value, rid)
) without rowid;
INSERT INTO attribute VALUES(1,0,'ap-guangzhou-3',1);
INSERT INTO attribute VALUES(1,1,'0',1);
INSERT INTO attribute VALUES(1,3,'vpc-wivu40py',1);
INSERT INTO attribute VALUES(1,4,'subnet-0jpajog5',1);
INSERT INTO attribute VALUES(1,5,'sg-52vlwars',1);
INSERT INTO attribute VALUES(1,6,'Unnamed',1);
INSERT INTO attribute VALUES(1,7,'POSTPAID_BY_HOUR',1);
INSERT INTO attribute VALUES(1,8,'S5.MEDIUM2',1);
INSERT INTO attribute VALUES(1,9,'PENDING',1);
INSERT INTO attribute VALUES(1,10,'img-487zeit5',1);
INSERT INTO attribute VALUES(1,11,'10.31.126.240',1);
INSERT INTO attribute VALUES(1,14,'035e3473-5426-4332-8fb0-2844304270f4',1);
CREATE TABLE transition (
  seq integer primary key autoincrement,
  account text not null,
  due integer not null,
  id text not null,
  operation integer not null,
  step text not null,
  request_id text not null,
  patch text not null
);
INSERT INTO transition VALUES(1,'100000000001',1767225640791,'ins-7pj0bxem',1,'instance.create','bc8fe9c2-058c-4624-8331-d4f0005f238d','{}');
CREATE TABLE token (
  account text not null,
  region text not null,
  action text not null,
  token text not null,
  digest text not null,
  reply text not null,
  expires integer not null,
  primary key (account, region, action, token)
) without rowid;
INSERT INTO token VALUES('100000000001','ap-guangzhou','RunInstances','once','1663dab5995e280a63714acbca8ecf4d08f4af4fbc8c66c6573bf503753582a6','{"Response":{"InstanceIdSet":["ins-7pj0bxem"]',1767312000000);
CREATE TABLE account (
  account text primary key,
  counter integer not null default 0,
  clock text not null default ''
) without rowid;
INSERT INTO account VALUES('100000000001',2,'');
CREATE TABLE meta (
  key text primary key,
  value text not null
) without rowid;
INSERT INTO meta VALUES('capacity','[]');
INSERT INTO meta VALUES('clock','{"mode":"frozen","base_ms":1767225600000,"machine_ms":0}');
INSERT INTO meta VALUES('credentials','[]');
INSERT INTO meta VALUES('faults','{"numbered":1,"rules":[{"rule":{"id":"kept","match":{"action":"DescribeImages"},"when":{"times":3},"do":[{"error":{"code":"InternalError"}}]},"account":"","expires_ms":{},"matched":1,"used":1,"fired":1,"requests":["92ea5ca9-c665-4b42-842f-db7db2954a7a"]},{"rule":{"id":"fault-1","match":{"action":"DescribeZones"},"when":{"ttl_s":60},"do":[{"delay_ms":1},{"error":{"code":"InternalError"}}]},"account":"","expires_ms":{"":1767225660000},"matched":0,"used":0,"fired":0,"requests":[]}]}');
INSERT INTO meta VALUES('quotas','{}');
INSERT INTO meta VALUES('scenarios','[]');
INSERT INTO meta VALUES('schema','1');
INSERT INTO meta VALUES('seed','1');
INSERT INTO meta VALUES('starts','0');
CREATE INDEX resource_part on resource (part);
CREATE TRIGGER resource_added after insert on resource begin
  update partition set n = n + 1 where part = new.part;
end;
CREATE TRIGGER resource_erased after delete on resource begin
  update partition set n = n - 1 where part = old.part;
end;
CREATE INDEX transition_due on transition (account, due, seq);
CREATE INDEX transition_id on transition (id);
CREATE INDEX transition_address on transition (json_extract(patch, '$.PrivateIpAddresses[0]'))
  where json_extract(patch, '$.PrivateIpAddresses[0]') is not null;
CREATE INDEX token_expires on token (expires);
