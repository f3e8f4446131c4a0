// Requests made by hand: signed text, and sockets that send it as it is.
import { createHash, createHmac } from 'node:crypto';
import net from 'node:net';

const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const hmac256 = (key, data) => createHmac('sha256', key).update(data).digest();

export const nowInSeconds = () => Math.floor(Date.now() / 1000);

// A TC3 request: { method, target, headers, body }. The documentation's algorithm, step by step.
export function signedTc3({
  action,
  parameters = {},
  body = JSON.stringify(parameters),
  method = 'POST',
  query = '',
  host = '127.0.0.1',
  path = '/',
  contentType = method === 'GET' ? 'application/x-www-form-urlencoded' : 'application/json',
  secretId = 'AKIDEXAMPLE',
  secretKey = 'secret',
  region = 'ap-guangzhou',
  version = '2017-03-12',
  timestamp = nowInSeconds(),
  headers = {},
}) {
  const sent = method === 'GET' ? '' : body;
  const date = new Date(timestamp * 1000).toISOString().slice(0, 10);
  const scope = `${date}/cvm/tc3_request`;
  const canonical =
    `${method}\n${path}\n${query}\ncontent-type:${contentType}\nhost:${host}\n\ncontent-type;host\n${sha256(sent)}`;
  const text = `TC3-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`;
  const key = ['cvm', 'tc3_request'].reduce(hmac256, hmac256(`TC3${secretKey}`, date));
  const signature = hmac256(key, text).toString('hex');
  return {
    method,
    target: query ? `${path}?${query}` : path,
    headers: {
      Host: host,
      'Content-Type': contentType,
      'X-TC-Action': action,
      'X-TC-Version': version,
      'X-TC-Region': region,
      'X-TC-Timestamp': String(timestamp),
      Authorization:
        `TC3-HMAC-SHA256 Credential=${secretId}/${scope}, SignedHeaders=content-type;host, Signature=${signature}`,
      ...headers,
    },
    body: sent,
  };
}

// A v1 request: everything among the parameters, sorted, signed, sent as a form or a query.
export function signedV1({
  action,
  parameters = {},
  method = 'POST',
  host = '127.0.0.1',
  sign = 'HmacSHA256',
  secretKey = 'secret',
  timestamp = nowInSeconds(),
  headers = {},
}) {
  const all = {
    Action: action,
    Version: '2017-03-12',
    Region: 'ap-guangzhou',
    Timestamp: timestamp,
    Nonce: 11886,
    SecretId: 'AKIDEXAMPLE',
    SignatureMethod: sign,
    ...parameters,
  };
  const source = Object.keys(all).sort().map((name) => `${name}=${all[name]}`).join('&');
  const digest = sign === 'HmacSHA256' ? 'sha256' : 'sha1';
  const signature = createHmac(digest, secretKey).update(`${method}${host}/?${source}`).digest('base64');
  const form = new URLSearchParams({ ...all, Signature: signature }).toString();
  const isGet = method === 'GET';
  return {
    method,
    target: isGet ? `/?${form}` : '/',
    headers: { Host: host, ...(isGet ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }), ...headers },
    body: isGet ? '' : form,
  };
}

// The bytes of a request. `version`: what follows `HTTP/`.
export function text({ method, target, headers, body }, { version = '1.1', length = true } = {}) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (length && method !== 'GET') lines.push(`Content-Length: ${Buffer.byteLength(body)}\r\n`);
  return `${method} ${target} HTTP/${version}\r\n${lines.join('')}\r\n${body}`;
}

export function chunked(body, size) {
  const bytes = Buffer.from(body);
  const parts = [];
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}

// A connection that is written to as the test likes, and read answer by answer.
export class Connection {
  #received = Buffer.alloc(0);
  #ended = false;
  #late = false;
  #wake = () => {};

  constructor(port) {
    this.socket = net.connect({ port, host: '127.0.0.1' });
    this.socket.on('data', (bytes) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake();
    });
    const end = () => {
      this.#ended = true;
      this.#wake();
    };
    this.socket.on('end', end).on('close', end).on('error', end);
    this.socket.setTimeout(15_000, () => {
      this.#late = true;
      this.socket.destroy();
    });
  }

  // True once the bytes are handed to the system, false if the connection is gone.
  send(data) {
    return new Promise((resolve) => this.socket.write(data, (error) => resolve(!error)));
  }

  // The next answer: { version, status, headers, raw, body }; null once the server has closed.
  async answer({ toHead = false } = {}) {
    let end;
    while ((end = this.#received.indexOf('\r\n\r\n')) < 0) if (!(await this.#more())) return null;
    const [start, ...lines] = this.#received.subarray(0, end).toString('latin1').split('\r\n');
    const headers = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    this.#received = this.#received.subarray(end + 4);
    const [, version, status] = /^HTTP\/(\d\.\d) (\d{3})/.exec(start);
    const length = toHead || status.startsWith('1') ? 0 : Number(headers['content-length']);
    while (this.#received.length < length) if (!(await this.#more())) return null;
    const raw = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return { version, status: Number(status), headers, raw, body: raw.toString() };
  }

  // True if the server closes, and sends nothing before that.
  async isClosed() {
    while (await this.#more());
    return this.#received.length === 0 && !this.#late;
  }

  async #more() {
    if (this.#ended) return false;
    const before = this.#received.length;
    await new Promise((resolve) => (this.#wake = resolve));
    return this.#received.length > before || !this.#ended;
  }

  close() {
    this.socket.destroy();
  }
}

export async function withConnection(port, use) {
  const connection = new Connection(port);
  try {
    return await use(connection);
  } finally {
    connection.close();
  }
}

// One request on a connection of its own.
export function exchange(port, data, options) {
  return withConnection(port, (connection) => {
    connection.send(data);
    return connection.answer(options);
  });
}

export const responseOf = (answer) => JSON.parse(answer.body).Response;
