// Browsers of Web Push.  `keys N` makes N of them, a line each: {"subscription"
// members "p256dh" and "auth", and "private"}.  Without it reads a message a
// line, {"private","auth","body" (its bytes as characters 0 to 255),
// "authorization"}, and writes what a browser and a push service see:
// {"plain","claims","header"} or {"error"}.
'use strict';

const crypto = require('crypto');
const readline = require('readline');
const { pathToFileURL } = require('url');

// Node 18, which Debian 12 has, has it by this name only
globalThis.crypto ??= crypto.webcrypto;

const url64 = (bytes) => bytes.toString('base64url');

if (process.argv[2] === 'keys') {
    for (let i = 0; i < Number(process.argv[3]); i++) {
        const key = crypto.createECDH('prime256v1');
        const p256dh = url64(key.generateKeys());

        console.log(JSON.stringify({
            p256dh,
            auth: url64(crypto.randomBytes(16)),
            private: url64(key.getPrivateKey()),
        }));
    }
} else {
    const ece = require('http_ece');

    const judge = async (message) => {
        const key = crypto.createECDH('prime256v1');

        key.setPrivateKey(Buffer.from(message.private, 'base64url'));

        const plain = ece.decrypt(Buffer.from(message.body, 'latin1'), {
            version: 'aes128gcm',
            privateKey: key,
            authSecret: message.auth,
        });

        const jose = await import(pathToFileURL(require.resolve('jose')));
        const [, t, k] = /^vapid t=([\w.-]+), k=([\w-]+)$/
            .exec(message.authorization);
        const point = Buffer.from(k, 'base64url');
        const pub = await jose.importJWK({
            kty: 'EC',
            crv: 'P-256',
            x: url64(point.subarray(1, 33)),
            y: url64(point.subarray(33)),
        }, 'ES256');
        const { payload, protectedHeader } = await jose.jwtVerify(t, pub);

        return {
            plain: plain.toString('utf8'), claims: payload,
            header: protectedHeader, key: k,
        };
    };

    (async () => {
        for await (const line of readline.createInterface({
            input: process.stdin,
        })) {
            console.log(JSON.stringify(await judge(JSON.parse(line))
                .catch((e) => ({ error: String(e) }))));
        }
    })();
}
