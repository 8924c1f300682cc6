// An HTTP/2 client for NotifyTest::Client: a request is a line of JSON, so is
// its answer.  Each request has a connection of its own unless it says `keep`:
// then it is a further stream of the one that was kept, if that is still there.

'use strict';

const http2 = require('http2');
const readline = require('readline');

const kept = new Map();

function session(request, fail) {
    let s = request.keep && kept.get(request.address);

    if (!s || s.closed || s.destroyed) {
        s = http2.connect('http://' + request.address);
        s.setMaxListeners(0);
        s.on('goaway', () => kept.delete(request.address));
        if (request.keep)
            kept.set(request.address, s);
    }

    s.on('error', fail);
    return s;
}

function run(request) {
    let done = false, timer, s;

    const finish = (answer) => {
        if (done)
            return;
        done = true;
        clearTimeout(timer);
        process.stdout.write(JSON.stringify({ id: request.id, ...answer })
                             + '\n');
        s.removeListener('error', fail);
        s.on('error', () => {});
        if (!request.keep)
            s.destroy();
    };
    const fail = (error) => finish({ error: String(error) });

    s = session(request, fail);
    timer = setTimeout(() => fail('timed out'), request.timeout * 1000);

    const headers = {
        ':method': request.method,
        ':path': request.path,
        ':authority': request.host,
    };

    for (const [name, value] of request.headers) {
        const key = name.toLowerCase();
        headers[key] = key in headers ? [].concat(headers[key], value) : value;
    }

    let stream, status, fields = [], parts = [];

    try {
        stream = s.request(headers, { endStream: request.body === null });
    } catch (error) {
        return fail(error);
    }

    stream.on('error', (error) => status === undefined && fail(error));
    stream.on('response', (head, flags, raw) => {
        status = head[':status'];
        for (let i = 0; i < raw.length; i += 2) {
            if (raw[i][0] !== ':')
                fields.push([raw[i], raw[i + 1]]);
        }
    });
    stream.on('data', (part) => parts.push(part));
    stream.on('close', () => {
        if (status === undefined)
            return fail('closed without an answer, ' + stream.rstCode);
        if (stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR)
            return fail('cut, ' + stream.rstCode);
        finish({ status, headers: fields,
                 body: Buffer.concat(parts).toString('base64') });
    });

    if (request.body !== null)
        stream.end(Buffer.from(request.body, 'base64'));
}

readline.createInterface({ input: process.stdin })
    .on('line', (line) => run(JSON.parse(line)))
    .on('close', () => process.exit());
