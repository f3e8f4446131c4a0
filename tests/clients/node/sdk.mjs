// The two npm SDKs behind one face: call(action, parameters) gives the answer or throws the SDK's error.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const intl = require('tencentcloud-sdk-nodejs-intl-en/tencentcloud/cvm').v20170312;
const intlCommon = 'tencentcloud-sdk-nodejs-intl-en/tencentcloud/common/';
const Credential = require(intlCommon + 'credential');
const ClientProfile = require(intlCommon + 'profile/client_profile');
const HttpProfile = require(intlCommon + 'profile/http_profile');
const IntlCommonClient = require(intlCommon + 'common_client');
const mainland = require('tencentcloud-sdk-nodejs-cvm').cvm.v20170312;
const { CommonClient: MainlandCommonClient } = require('tencentcloud-sdk-nodejs-common');

// Both SDKs would send even plain requests on 127.0.0.1 through a proxy.
for (const name of ['http_proxy', 'https_proxy', 'HTTP_PROXY', 'HTTPS_PROXY']) delete process.env[name];

export const signMethods = ['TC3-HMAC-SHA256', 'HmacSHA1', 'HmacSHA256'];

const usual = {
  secretId: 'AKIDEXAMPLE',
  secretKey: 'secret',
  region: 'ap-guangzhou',
  sign: 'TC3-HMAC-SHA256',
  method: 'POST',
  version: '2017-03-12',
  timeout: 30,
};

// Answers of the typed client, as the SDK's own models took them in.
export function intlClient(url, options = {}) {
  const o = { ...usual, ...options };
  const profile = new ClientProfile(o.sign, new HttpProfile(`${url.protocol}//`, url.host, o.method, o.timeout));
  const client = new intl.Client(new Credential(o.secretId, o.secretKey, o.token), o.region, profile);
  return (action, parameters = {}) =>
    new Promise((resolve, reject) => {
      const request = new intl.Models[`${action}Request`]();
      request.from_json_string(JSON.stringify(parameters));
      client[action](request, (error, response) =>
        error ? reject(error) : resolve(JSON.parse(response.to_json_string())));
    });
}

// For any action and version.
export function intlCommonClient(url, options = {}) {
  const o = { ...usual, ...options };
  const profile = new ClientProfile(o.sign, new HttpProfile(`${url.protocol}//`, url.host, o.method, o.timeout));
  const client = new IntlCommonClient(url.host, o.version, new Credential(o.secretId, o.secretKey), o.region, profile);
  return (action, parameters = {}) =>
    new Promise((resolve, reject) => {
      client.request(action, parameters, (error, response) => (error ? reject(error) : resolve(response)));
    });
}

function mainlandConfiguration(url, o) {
  return {
    credential: { secretId: o.secretId, secretKey: o.secretKey, token: o.token },
    region: o.region,
    profile: {
      signMethod: o.sign,
      language: o.language,
      httpProfile: { endpoint: url.host, protocol: `${url.protocol}//`, reqMethod: o.method, reqTimeout: o.timeout },
    },
  };
}

export function mainlandClient(url, options = {}) {
  const client = new mainland.Client(mainlandConfiguration(url, { ...usual, ...options }));
  return (action, parameters = {}) => client[action](parameters);
}

export function mainlandCommonClient(url, options = {}) {
  const o = { ...usual, ...options };
  const client = new MainlandCommonClient(url.host, o.version, mainlandConfiguration(url, o));
  return (action, parameters = {}, requestOptions = {}) => client.request(action, parameters, requestOptions);
}

// What is needed to launch one, and nothing more.
export const plainInstance = {
  Placement: { Zone: 'ap-guangzhou-3' },
  ImageId: 'img-487zeit5',
  InstanceType: 'S5.MEDIUM2',
};
