#!/usr/bin/env node
// Spreads numbers to every node: each neighbour is told again until it has acknowledged. With --naive
// it is told once, and what a cut swallows is lost.

'use strict';

const readline = require('readline');

const naive = process.argv.includes('--naive');
const seen = new Set();
const unacknowledged = new Map(); // neighbour -> numbers
let id = null;
let neighbours = [];
let lastID = 0;
const waiting = new Map(); // msg_id -> what to do with the reply

const send = (dest, body) => process.stdout.write(JSON.stringify({ src: id, dest, body }) + '\n');
const reply = (request, body) =>
  send(request.src, { ...body, in_reply_to: request.body.msg_id });

function tell(neighbour, number) {
  if (naive) return send(neighbour, { type: 'spread', message: number });
  lastID += 1;
  waiting.set(lastID, () => unacknowledged.get(neighbour).delete(number));
  send(neighbour, { type: 'spread', message: number, msg_id: lastID });
}

function learn(number, source) {
  if (seen.has(number)) return;
  seen.add(number);
  for (const neighbour of neighbours) {
    if (neighbour === source) continue;
    unacknowledged.get(neighbour).add(number);
    tell(neighbour, number);
  }
}

const handlers = {
  init(message) {
    id = message.body.node_id;
    reply(message, { type: 'init_ok' });
  },
  topology(message) {
    neighbours = message.body.topology[id];
    for (const neighbour of neighbours) unacknowledged.set(neighbour, new Set());
    reply(message, { type: 'topology_ok' });
  },
  broadcast(message) {
    learn(message.body.message, null);
    reply(message, { type: 'broadcast_ok' });
  },
  spread(message) {
    learn(message.body.message, message.src);
    if (!naive) reply(message, { type: 'spread_ok' });
  },
  read(message) {
    reply(message, { type: 'read_ok', messages: [...seen] });
  },
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  const { type, in_reply_to: request } = message.body;
  if (request !== undefined) {
    waiting.get(request)?.(message.body);
    waiting.delete(request);
  } else if (handlers[type]) {
    handlers[type](message);
  } else {
    reply(message, { type: 'error', code: 10, text: `unknown type of request '${type}'` });
  }
});

if (!naive) {
  setInterval(() => {
    for (const [neighbour, numbers] of unacknowledged) {
      for (const number of numbers) tell(neighbour, number);
    }
  }, 1000).unref();
}
