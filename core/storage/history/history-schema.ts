import type { Area } from '../open-database.ts';

/**
 * Tables of the history. A row of `blocks` holds sixty samples of one device (block-codec.ts): a minute of seconds
 * (tier 1) or an hour of minutes (tier 2). `samples` stands before `data` so that counting does not read the blobs.
 */
export const historyArea: Area = {
  name: 'history',
  migrations: [
    {
      version: 1,
      sql: `
        CREATE TABLE history_devices (id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, name TEXT) STRICT;
        CREATE TABLE history_blocks (
          tier INTEGER NOT NULL, device INTEGER NOT NULL REFERENCES history_devices (id), start_ms INTEGER NOT NULL,
          samples INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (tier, device, start_ms)) STRICT;
        CREATE INDEX history_blocks_by_age ON history_blocks (tier, start_ms);
        CREATE TABLE history_events (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms REAL NOT NULL, kind TEXT NOT NULL, uuid TEXT, text TEXT NOT NULL) STRICT;
        CREATE INDEX history_events_by_time ON history_events (at_ms);`,
    },
  ],
};
