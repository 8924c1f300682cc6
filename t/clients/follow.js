// Follows a stream of server-sent events with npm's eventsource, which comes
// again by itself: follow.js URL.  Prints the id of each event, and "open",
// "error" and "resync" as they come.
'use strict';

const { EventSource } = require('eventsource');
const source = new EventSource(process.argv[2]);

source.onopen = () => console.log('open');
source.onmessage = (event) => console.log(JSON.parse(event.data).id);
source.addEventListener('resync', () => console.log('resync'));
source.onerror = (event) => {
    console.log(source.readyState === 2 ? `closed ${event.code}` : 'error');
};
