// Uses the page as a person would, with jsdom as its browser: node console.js
// URL.  Prints what was seen, a JSON object a line, as it comes.

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
        runScripts: 'dangerously', virtualConsole: errors,
        beforeParse(window) {
            window.TextDecoder = TextDecoder;
            window.fetch = (target, options) => fetch(String(target), options);
            window.EventSource = class {
                constructor(source) {
                    const { EventSource } = require('eventsource');
                    return new EventSource(String(source));
                }
            };
        },
    });
    const { document, KeyboardEvent } = dom.window;
    const $ = (id) => document.getElementById(id);
    const rows = () => [...document.querySelectorAll('#subscriptions .row')];
    const said = (pattern) => until(() => pattern.test($('said').textContent)
        && $('said').textContent, String(pattern));

    await until(() => rows().length, 'a subscription');
    say('rows', rows().map((row) => row.textContent));
    say('title', document.title);
    say('health', $('health').textContent);
    say('stats', $('stats').textContent);
    say('events', [...$('new-event').options].map((one) => one.value));

    rows()[0].focus();
    document.activeElement.dispatchEvent(new KeyboardEvent('keydown',
        { key: 'ArrowDown', bubbles: true }));
    say('focus', rows().indexOf(document.activeElement));

    $('find').value = 'dead-one';
    $('find').dispatchEvent(new dom.window.Event('input'));
    say('found', rows().length);
    rows()[0].click();
    await until(() => !$('one').hidden, 'the subscription');

    $('status').value = 'dead';
    $('status').dispatchEvent(new dom.window.Event('change'));
    const letter = await until(() => document.querySelector(
        '#deliveries details .dead'), 'a dead letter');
    const box = letter.closest('details');
    box.open = true;
    const cells = await until(() => box.querySelector('td.failed'), 'attempts');
    say('attempt', cells.textContent);
    box.querySelector('button').click();
    say('redelivered', await said(/is delivered again/));

    $('test').click();
    say('test', await said(/^Test/));
    $('toggle').click();
    await until(() => $('toggle').textContent === 'Enable', 'disabled');
    $('toggle').click();
    await until(() => $('toggle').textContent === 'Disable', 'enabled');
    $('rotate').click();
    say('asks', $('rotate').textContent);
    $('rotate').click();
    say('rotated', await said(/new secret/));

    $('new-url').value = document.querySelector('#facts').textContent
        .match(/http\S+/)[0] + '?new';
    $('create').dispatchEvent(new dom.window.Event('submit',
        { cancelable: true }));
    say('created', await said(/^Created/));
    $('remove').click();
    $('remove').click();
    say('deleted', await said(/^Deleted/));

    say('ready', true);
    say('live', (await until(() => $('live').textContent, 'an event')));
    say('markup', document.querySelectorAll('main img, main b').length);
    dom.window.close();
    process.exit(0);
})().catch((error) => {
    say('error', error.message);
    process.exit(1);
});
