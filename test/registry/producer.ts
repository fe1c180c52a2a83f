// A producer of the newer version that announces itself, until it is killed.
import { Redis } from 'ioredis';
import { JobQueue } from '../../src/bridge/index.js';
import { mail } from './versions/newer.js';

const [url = '', prefix = '', schemas = ''] = process.argv.slice(2);
const queue = new JobQueue(mail, { connection: new Redis(url), prefix, announce: { schemas } });
await queue.announced();
console.log('announced');
