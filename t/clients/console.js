// Uses the page with jsdom as its browser: node console.js URL.  Prints what was
// seen, a JSON object a line, as it comes.

const { JSDOM, VirtualConsole } = require('jsdom');

const url = process.argv[2];
const say = (what, value) => console.log(JSON.stringify({ [what]: value }));

async function until(condition, what) {
    const end = Date.now() + 15000;
    for (;;) {
        const value = condition();
        if (value) {
            return value;
        }
        if (Date.now() > end) {
            throw new Error(`never: ${what}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

(async () => {
    const errors = new VirtualConsole();
    errors.on('jsdomError', (error) => say('error', error.message));

    const dom = await JSDOM.fromURL(url, {
        runScripts: 'dangerously', virtualConsole: errors, pretendToBeVisual: true,
        beforeParse(window) {
            Object.assign(window, { TextDecoder, AbortController, AbortSignal });
            window.fetch = (target, options) => fetch(String(target), options);
            window.scrollTo = () => {};
            Object.assign(window.HTMLDialogElement.prototype, {
                showModal() {
                    this.open = true;
                },
                close() {
                    this.open = false;
                    this.dispatchEvent(new window.Event('close'));
                },
            });
        },
    });
    const { document, KeyboardEvent, Event } = dom.window;
    const $ = (id) => document.getElementById(id);
    const rows = () => [...document.querySelectorAll('#view .rows .name')];
    const said = (pattern) => until(() => pattern.test($('said').textContent)
        && $('said').textContent, String(pattern));
    const button = (text, within = $('view')) => until(() => [...within.querySelectorAll('button, a.button')]
        .find((one) => one.textContent === text && !one.hidden), text);
    const press = async (...where) => (await button(...where)).click();
    const heading = (text) => until(() => $('heading').textContent === text, text);
    const go = async (text, title = text) => {
        [...document.querySelectorAll('nav a')].find((one) => one.textContent === text).click();
        await heading(title);
    };
    const type = (id, text, name = 'input') => {
        $(id).value = text;
        $(id).dispatchEvent(new Event(name, { bubbles: true }));
    };
    const secret = async () => {
        const text = (await until(() => $('secret'), 'a secret')).textContent;
        await press('I have kept it', $('dialog'));
        return text;
    };

    await until(() => $('role').textContent, 'a role');
    await until(() => $('health').textContent, 'health');
    say('channel', $('channel').textContent);
    say('role', $('role').textContent);
    say('health', $('health').textContent);
    say('care', await until(() => $('care').textContent, 'the overview'));

    await go('Endpoints');
    await until(() => rows().length, 'an endpoint');
    say('rows', rows().map((row) => row.textContent));
    const there = document.querySelector('#view .url').textContent;
    rows()[0].focus();
    rows()[0].dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }));
    say('focus', rows().indexOf(document.activeElement));
    type('find', 'dead-one');
    await until(() => rows().length === 1, 'one that is found');
    say('found', rows().length);
    rows()[0].click();

    await press('Send a test');
    say('test', (await until(() => $('tested'), 'a test')).textContent);
    await press('Disable');
    await press('Disable', $('dialog'));
    await press('Enable');
    await button('Disable');
    await press('Rotate secret');
    await press('Rotate secret', $('dialog'));
    say('rotated', await secret());

    await go('Deliveries');
    type('delivery-status', 'dead', 'change');
    await until(() => /delivery\b.*Given up/s.test($('view').innerHTML) && rows().length, 'a dead letter');
    rows()[0].click();
    say('attempt', (await until(() => document.querySelector('.attempts li.bad'), 'attempts')).textContent);
    await press('Redeliver');
    say('redelivered', await said(/is delivered again/));

    await go('Endpoints');
    await press('New endpoint');
    await until(() => $('f-url'), 'the form');
    $('f-url').value = `${there}?new`;
    $('f-name').value = 'New one';
    $('event-own').value = 'order.paid';
    document.querySelector('form').dispatchEvent(new Event('submit', { cancelable: true }));
    await until(() => $('secret') || $('wrong').textContent, 'an answer');

    say('created', await secret());
    await heading('New one');
    await press('Delete');
    say('asks', $('dialog').textContent);
    await press('Delete', $('dialog'));
    say('deleted', await said(/deleted/));

    await go('Events');
    await until(() => $('live-state')?.dataset.on, 'the stream');
    say('ready', true);
    say('live', (await until(() => $('live').textContent, 'an event')));
    say('markup', document.querySelectorAll('#view img, #view b').length);
    dom.window.close();
    process.exit(0);
})().catch((error) => {
    say('error', error.stack);
    process.exit(1);
});
