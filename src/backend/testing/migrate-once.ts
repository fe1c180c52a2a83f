import { once } from 'node:events';
import { Batches } from '../database/batches.js';
import { openDatabase } from '../database/open.js';

// A backend process reduced to its first act: `migrate-once.ts <database url> <batch id>` says "ready", waits for a line
// (so that several can be let go together), opens the database, which may not exist yet, and writes one row.
const [url = '', id = ''] = process.argv.slice(2);
process.stdout.write('ready\n');
await once(process.stdin, 'data');
process.stdin.destroy();
const database = await openDatabase(url);
await new Batches(database).insert({ id, filename: 'a.zip', storagePath: '/a.zip', status: 'queued' });
await database.destroy();
