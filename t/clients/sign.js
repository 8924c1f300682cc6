// Senders, each with the package that its receivers use: one JSON line in, one
// out.  {"standard": secret, "id", "timestamp", "body", "with": "svix"} gives
// {"headers": {...}}; {"jwt": {"alg", "key": PEM or text, "header": {...}},
// "claims": {...}} gives {"token": "..."}.

'use strict';

const crypto = require('crypto');
const readline = require('readline');
const { pathToFileURL } = require('url');

// NODE_PATH is for require() only
const load = (name) => import(pathToFileURL(require.resolve(name)));

// Node 18, which Debian 12 has, has it by this name only
globalThis.crypto ??= crypto.webcrypto;


async function standard(call) {
    const { Webhook: Judge } = await load(call.with || 'standardwebhooks');
    const at = new Date(call.timestamp * 1000);

    return { headers: {
        'webhook-id': call.id,
        'webhook-timestamp': String(call.timestamp),
        'webhook-signature':
            new Judge(call.standard).sign(call.id, at, call.body),
    } };
}


async function jwt(call) {
    const jose = await load('jose');
    const { alg, key, header } = call.jwt;
    const secret = alg === 'HS256' ? Buffer.from(key)
                                   : crypto.createPrivateKey(key);

    return { token: await new jose.SignJWT(call.claims)
        .setProtectedHeader({ alg, ...header }).sign(secret) };
}


(async () => {
    for await (const line of readline.createInterface({ input: process.stdin }))
    {
        const call = JSON.parse(line);
        const made = call.jwt ? await jwt(call) : await standard(call);
        process.stdout.write(JSON.stringify(made) + '\n');
    }
})();
