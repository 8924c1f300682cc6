// The other client: a Node.js process with a BullMQ worker, a job for each
// delivery, undici with keepalive, signed as Standard Webhooks; a second one
// adds the jobs.  Prints the deliveries a second from the first job's adding
// to the last answer.
// usage: bullmq.js SOCKET PORT EVENTS SUBSCRIBERS BYTES
'use strict';

const crypto = require('crypto');
const { fork } = require('child_process');
const { Queue, Worker } = require('bullmq');
const Redis = require('ioredis');
const undici = require('undici');

const [socket, port] = process.argv.slice(2, 4);
const [events, subscribers, bytes] = process.argv.slice(4).map(Number);

const CONNECTIONS = 64;
const WARM_UP = 200;
const BULK = 100;

const origin = `http://127.0.0.1:${port}`;
const key = Buffer.from('bm90aWZ5LWJlbmNoLXNlY3JldA==', 'base64');
const redis = () => new Redis({ path: socket, maxRetriesPerRequest: null });
const pool = new undici.Pool(origin, { connections: CONNECTIONS });

let left = 0;
let finished = () => {};

// the call format, BYTES long
function body(n) {
    const call = { eventType: 'bench.event', entityTypeID: null, entityID: n,
                   data: { text: '' } };
    call.data.text = 'x'.repeat(bytes - JSON.stringify(call).length);
    return JSON.stringify(call);
}

async function deliver(job) {
    const { id, path, text } = job.data;
    const now = Math.floor(Date.now() / 1000);
    const signature = crypto.createHmac('sha256', key)
        .update(`${id}.${now}.${text}`).digest('base64');

    const answer = await pool.request({
        path,
        method: 'POST',
        headers: {
            'content-type': 'application/json',
            'webhook-id': id,
            'webhook-timestamp': String(now),
            'webhook-signature': `v1,${signature}`,
        },
        body: text,
    });
    await answer.body.dump();

    if (answer.statusCode >= 300) {
        throw new Error(`status ${answer.statusCode}`);
    }
    if (--left === 0) {
        finished();
    }
}

async function publish(queue, n) {
    for (let i = 0; i < n; i += BULK) {
        const jobs = [];
        for (let e = i; e < i + BULK && e < n; e++) {
            const text = body(1e9 + e);
            for (let s = 0; s < subscribers; s++) {
                jobs.push({ name: 'call',
                            data: { id: `evt_${e}`, path: `/${s}`, text } });
            }
        }
        await queue.addBulk(jobs);
    }
}

async function run(publisher, n) {
    left = n * subscribers;
    const done = new Promise((resolve) => { finished = resolve; });
    const start = process.hrtime.bigint();

    publisher.send(n);
    await done;

    return n * subscribers * 1e9 / Number(process.hrtime.bigint() - start);
}

async function publisher() {
    const queue = new Queue('bench', {
        connection: redis(),
        defaultJobOptions: {
            attempts: 8,
            backoff: { type: 'exponential', delay: 5000 },
            removeOnComplete: true,
        },
    });

    await queue.waitUntilReady();
    process.on('message', (n) => publish(queue, n).catch(failed));
    process.on('disconnect', () => process.exit());
    process.send('ready');
}

async function worker() {
    const other = fork(__filename, process.argv.slice(2));
    const connection = redis();
    const worker = new Worker('bench', deliver, {
        connection,
        concurrency: CONNECTIONS,
    });

    await Promise.all([
        worker.waitUntilReady(),
        new Promise((resolve) => { other.once('message', resolve); }),
    ]);

    await run(other, WARM_UP);
    console.log((await run(other, events)).toFixed(0));

    other.disconnect();
    await worker.close();
    await pool.close();
    connection.disconnect();
}

function failed(error) {
    console.error(error);
    process.exit(1);
}

(process.send ? publisher() : worker()).catch(failed);
