// A receiver for latency.pl: answers after as many milliseconds as the path
// begins with, and GET /_count/PATH says how many came so far.
'use strict';

const count = {};

require('http').createServer((request, response) => {
    const path = request.url;

    if (path.startsWith('/_count')) {
        response.end(String(count[path.slice(7)] || 0));
        return;
    }

    count[path] = (count[path] || 0) + 1;
    request.resume();
    request.on('end', () => {
        setTimeout(() => { response.end(); }, parseInt(path.slice(1), 10));
    });
}).listen(Number(process.argv[2]), '127.0.0.1', 4096);
