// An https receiver for tests, in whose hands are the records that an answer
// comes in.  The path says which: records, long, halves, close, more; anything
// else is one record.  A line a call: connection, path, length of data.text.
// usage: node tls-receiver.js PORT KEY CERTIFICATE
'use strict';

const fs = require('fs');
const tls = require('tls');

const [port, key, cert] = process.argv.slice(2);
const answer = (text) => 'HTTP/1.1 200 OK\r\n'
    + `Content-Length: ${text.length}\r\n\r\n${text}`;

const answers = {
    // all of them in one write of the socket
    records(socket) {
        socket.setMaxSendFragment(512);
        socket.write(answer('r'.repeat(8000)));
    },
    // more than is read from the socket at a time
    long(socket) { socket.write(answer('l'.repeat(50000))); },
    halves(socket) {
        const text = answer('h'.repeat(600));
        socket.write(text.slice(0, 300));
        setTimeout(() => socket.write(text.slice(300)), 60);
    },
    close(socket) { socket.end(answer('bye')); },
    // what nobody has asked for
    more(socket) {
        socket.setMaxSendFragment(512);
        socket.write(answer('m'.repeat(2000)) + answer('stale'));
    },
};

let connections = 0;

tls.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) },
                 (socket) => {
    const number = ++connections;
    let got = Buffer.alloc(0);

    socket.on('error', () => {});
    socket.on('data', (bytes) => {
        got = Buffer.concat([got, bytes]);

        const end = got.indexOf('\r\n\r\n');
        if (end < 0) { return; }

        const head = got.subarray(0, end).toString('latin1');
        const length = Number(/^content-length: *(\d+)/mi.exec(head)[1]);
        if (got.length < end + 4 + length) { return; }

        const body = got.subarray(end + 4, end + 4 + length);
        const path = head.split(' ')[1].slice(1);
        got = got.subarray(end + 4 + length);

        console.log(number, path, JSON.parse(body).data.text.length);
        (answers[path] || ((to) => to.write(answer('ok'))))(socket);
    });
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
