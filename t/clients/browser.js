// A real Chromium on the page of conf.examples/web-push.conf, whose push
// service, which is Google's, is played here: check-in, registration, and the
// connection on which messages come (MCS).  What stands in for the service's
// endpoint is the suite's; it hands the bodies to us.
//
// argv: node_modules of playwright-core, chromium, the page, the endpoint that
// takes the place of Google's, a folder.  Says "session ID", then reads lines
// {"headers","body" (bytes as characters)} and says "worker TEXT" for each
// message that the service worker got.
'use strict';

const fs = require('fs');
const http = require('http');
const readline = require('readline');
const tls = require('tls');

const [modules, chromium, page, endpoint, folder] = process.argv.slice(2);
const playwright = require(`${modules}/playwright-core`);

const varint = (n) => {
    const bytes = [];

    for (n = BigInt(n); n > 127n; n >>= 7n) {
        bytes.push(Number(n & 127n) | 128);
    }

    return Buffer.from([...bytes, Number(n)]);
};
const text = (field, value) => {
    const bytes = Buffer.from(value);

    return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes]);
};
const fixed64 = (field, n) => {
    const bytes = Buffer.alloc(8);

    bytes.writeBigUInt64LE(BigInt(n));

    return Buffer.concat([varint(field * 8 + 1), bytes]);
};
const number = (field, n) => Buffer.concat([varint(field * 8), varint(n)]);

// what the browser has registered: {app, subtype, sender}
let registered;

// it may come again: what it has not got is sent once more
let connection;
let waiting;

const service = http.createServer((request, response) => {
    let body = '';

    request.setEncoding('latin1');
    request.on('data', (piece) => { body += piece; });
    request.on('end', () => {
        if (request.url === '/checkin') {
            response.end(Buffer.concat([
                number(1, 1), number(3, Date.now()), fixed64(7, 4242),
                fixed64(8, 1717),
            ]));
            return;
        }

        const form = Object.fromEntries(new URLSearchParams(body));

        registered = {
            app: form.app, subtype: form['X-subtype'] || form.app,
            sender: form.sender,
        };
        response.end('token=stand-in');
    });
});

const send = (tag, bytes) => connection.write(Buffer.concat([
    Buffer.from([tag]), varint(bytes.length), bytes]));

const mcs = tls.createServer({
    key: fs.readFileSync(`${folder}/tls.key`),
    cert: fs.readFileSync(`${folder}/tls.pem`),
}, (socket) => {
    connection = socket;
    socket.on('error', () => {});

    // what else it says is not waited for
    socket.resume();
    socket.once('data', () => {
        socket.write(Buffer.from([41]));
        send(3, text(1, 'login'));

        if (waiting) {
            send(8, waiting);
        }
    });
});

const message = ({ headers, body }) => Buffer.concat([
    text(3, registered.sender),
    text(5, registered.app),
    ...Object.entries({
        subtype: registered.subtype,
        'content-encoding': headers['content-encoding'],
    }).map(([key, value]) => text(7, Buffer.concat([text(1, key),
                                                    text(2, value)]))),
    text(9, `message-${Date.now()}`),
    text(21, Buffer.from(body, 'latin1')),
]);

const listening = (server) => new Promise((done) => {
    server.listen(0, '127.0.0.1', () => done(server.address().port));
});

(async () => {
    const [port, secure] = [await listening(service), await listening(mcs)];
    const context = await playwright.chromium.launchPersistentContext(
        `${folder}/profile`, {
            executablePath: chromium,
            headless: true,
            args: [
                '--no-sandbox',
                '--headless=new',
                '--ignore-certificate-errors',
                `--gcm-checkin-url=http://127.0.0.1:${port}/checkin`,
                `--gcm-registration-url=http://127.0.0.1:${port}/register`,
                `--gcm-mcs-endpoint=https://127.0.0.1:${secure}`,
            ],
            ignoreDefaultArgs: ['--disable-background-networking'],
        });

    await context.grantPermissions(['notifications'],
                                   { origin: new URL(page).origin });

    const tab = context.pages()[0] || await context.newPage();

    tab.on('console', (line) => console.error('page', line.text()));

    // the endpoint is at Google's, which cannot be reached
    await tab.route('**/chat/sessions/*', async (route) => {
        const body = JSON.parse(route.request().postData());

        console.log(`endpoint ${new URL(body.subscription.endpoint).host}`);
        body.subscription.endpoint = endpoint;
        await route.continue({ postData: JSON.stringify(body) });
    });

    await tab.goto(page);
    await tab.click('button');
    await tab.waitForFunction(
        () => document.querySelector('pre').textContent.includes('\n'));

    let seen = 0;
    const said = async () => (await tab.textContent('pre')).trim().split('\n');

    console.log((await said())[seen++]);

    for await (const line of readline.createInterface({
        input: process.stdin,
    })) {
        waiting = message(JSON.parse(line));

        if (connection && !connection.destroyed) {
            send(8, waiting);
        }

        await tab.waitForFunction((n) => document.querySelector('pre')
            .textContent.trim().split('\n').length > n, seen,
            { timeout: 20000 });
        waiting = undefined;
        console.log(`worker ${(await said())[seen++]}`);
    }

    await context.close();
    process.exit(0);
})().catch((error) => {
    console.log(`error ${error.message.split('\n')[0]}`);
    console.error(error);
    process.exit(1);
});
