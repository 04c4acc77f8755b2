#!/usr/bin/env node
// A few registers over HTTP/2 without TLS, and a client of them.
//
//   register.js serve HOST:PORT    GET /KEY, PUT /KEY, POST /KEY to replace one value by another
//   register.js ask                does what it reads, one operation a line, for the workload 'client'
//
// The client has one connection and keeps it: a request that is not answered in time is cancelled, and the
// connection goes on with the next one.

'use strict';

const http2 = require('http2');
const readline = require('readline');

const PATIENCE = 300; // milliseconds

function serve(address) {
  const values = new Map();
  const server = http2.createServer();
  server.on('stream', (stream, headers) => {
    // A client that has lost patience is no reason to end.
    stream.on('error', () => {});
    const key = headers[':path'];
    let body = '';
    stream.on('data', (chunk) => { body += chunk; });
    stream.on('end', () => {
      if (headers[':method'] === 'PUT') {
        values.set(key, body);
        stream.respond({ ':status': 204 }, { endStream: true });
      } else if (headers[':method'] === 'POST') {
        const [from, to] = JSON.parse(body).map((value) => JSON.stringify(value));
        const isThere = values.get(key) === from;
        if (isThere) values.set(key, to);
        stream.respond({ ':status': isThere ? 204 : 412 }, { endStream: true });
      } else {
        stream.respond({ ':status': 200, 'x-key': key });
        stream.end(values.get(key) ?? 'null');
      }
    });
  });
  const colon = address.lastIndexOf(':');
  server.listen(Number(address.slice(colon + 1)), address.slice(0, colon));
}

let session = null;
let sessions = 0;

function connected(address) {
  if (session !== null && !session.destroyed && !session.closed) return session;
  sessions += 1;
  if (sessions > 1) process.stderr.write(`connection ${sessions}\n`);
  session = http2.connect(`http://${address}`);
  session.on('error', (error) => process.stderr.write(`${error}\n`));
  return session;
}

// Resolves to the status and the body, or to null where no answer came.
function request(address, headers, body) {
  return new Promise((resolve) => {
    const stream = connected(address).request(headers);
    const timer = setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), PATIENCE);
    let status = 0;
    let text = '';
    stream.on('response', (answer) => { status = answer[':status']; });
    stream.on('data', (chunk) => { text += chunk; });
    stream.on('error', (error) => process.stderr.write(`${error}\n`));
    stream.on('close', () => {
      clearTimeout(timer);
      resolve(stream.rstCode === 0 && status !== 0 ? { status, text } : null);
    });
    stream.end(body);
  });
}

async function carryOut({ id, f, value: [key, value], address }) {
  const path = `/${key}`;
  if (f === 'read') {
    const answer = await request(address, { ':method': 'GET', ':path': path });
    if (answer === null) return { id, type: 'fail', error: 'no answer' };
    return { id, type: 'ok', value: [key, JSON.parse(answer.text)] };
  }
  const headers = { ':method': f === 'cas' ? 'POST' : 'PUT', ':path': path };
  const answer = await request(address, headers, JSON.stringify(value));
  if (answer === null) return { id, type: 'info', error: 'no answer' };
  if (answer.status === 412) return { id, type: 'fail', error: 'another value' };
  return { id, type: 'ok', value: [key, value] };
}

const [mode, address] = process.argv.slice(2);
if (mode === 'serve') {
  serve(address);
} else {
  readline.createInterface({ input: process.stdin })
    .on('line', async (line) => {
      process.stdout.write(`${JSON.stringify(await carryOut(JSON.parse(line)))}\n`);
    })
    .on('close', () => session?.destroy());
}
