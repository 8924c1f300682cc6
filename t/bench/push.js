// web-push sends to browsers.  argv: its node_modules, a file of VAPID's keys,
// how many; then on stdin a subscription a line.  Prints microseconds of CPU a
// message, and messages a second; 64 are under way at a time.
'use strict';

const fs = require('fs');
const https = require('https');

const [modules, vapid, warm] = process.argv.slice(2);
const webpush = require(`${modules}/web-push`);
const keys = JSON.parse(fs.readFileSync(vapid));
const subscriptions = fs.readFileSync(0, 'utf8').trim().split('\n')
    .map((line) => JSON.parse(line));
const agent = new https.Agent({
    keepAlive: true, maxSockets: 64, rejectUnauthorized: false,
});
const payload = JSON.stringify({
    message: 'There is news in your chat', payload: { text: 'x'.repeat(200) },
});

const send = async (list) => {
    let next = 0;

    await Promise.all(Array.from({ length: 64 }, async () => {
        while (next < list.length) {
            await webpush.sendNotification(list[next++], payload, {
                vapidDetails: {
                    subject: 'mailto:ops@example.com',
                    publicKey: keys.publicKey, privateKey: keys.privateKey,
                },
                TTL: 3600, agent,
            });
        }
    }));
};

(async () => {
    await send(subscriptions.slice(0, Number(warm)));

    const before = process.cpuUsage();
    const start = process.hrtime.bigint();

    await send(subscriptions);

    const { user, system } = process.cpuUsage(before);
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;

    console.log((user + system) / subscriptions.length,
        subscriptions.length / seconds);
    agent.destroy();
})();
