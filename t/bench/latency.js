// A receiver for latency.pl: answers after as many milliseconds as the path
// begins with, and GET /_count/PATH says how many came so far.  Below /limit it
// takes 100 a second, ten of them at once; GET /_refused/PATH says how many more
// there were, which got a 429.  Below /slows it needs twice as long for 64 at
// once as for one, five times as long for 128, and so on.
'use strict';

const count = {};
const refused = {};
let open = 0;
let tokens = 10, filled = Date.now();

function takes(path) {
    if (!path.startsWith('/limit')) return true;
    const now = Date.now();
    tokens = Math.min(10, tokens + (now - filled) / 10);
    filled = now;
    if (tokens < 1) return false;
    tokens--;
    return true;
}

function latency(path) {
    const least = Number(/\d+/.exec(path)[0]);
    return path.startsWith('/slows') ? least * (1 + (open / 64) ** 2) : least;
}

require('http').createServer((request, response) => {
    const path = request.url;

    if (path.startsWith('/_count')) {
        response.end(String(count[path.slice(7)] || 0));
        return;
    }

    if (path.startsWith('/_refused')) {
        response.end(String(refused[path.slice(9)] || 0));
        return;
    }

    count[path] = (count[path] || 0) + 1;
    request.resume();
    request.on('end', () => {
        if (!takes(path)) {
            refused[path] = (refused[path] || 0) + 1;
            response.statusCode = 429;
        }
        open++;
        setTimeout(() => { open--; response.end(); }, latency(path));
    });
}).listen(Number(process.argv[2]), '127.0.0.1', 4096);
