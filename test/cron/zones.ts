/**
 * Zones whose clocks are moved, each with moments at which they were (UTC): in both directions, at midnight, by half
 * an hour, by two hours, by a day, for good. All of it is history, so that no newer time zone data changes it.
 */
export const MOVED_CLOCKS: Readonly<Record<string, readonly string[]>> = {
  'Europe/Berlin': ['1996-10-27T01:00', '2023-10-29T01:00', '2024-03-31T01:00'],
  'America/New_York': ['2006-04-02T07:00', '2024-03-10T07:00', '2024-11-03T06:00'],
  'Australia/Lord_Howe': ['2023-09-30T15:30', '1996-10-26T15:30'],
  'America/Sao_Paulo': ['2018-02-18T02:00', '2018-11-04T03:00', '2019-02-17T02:00', '1996-02-11T02:00'],
  'Africa/Casablanca': ['2008-06-01T00:00', '2008-08-31T23:00', '2023-04-23T02:00', '2018-05-13T02:00'],
  'America/Havana': ['2023-11-05T05:00', '2024-03-10T05:00'],
  'Asia/Beirut': ['2020-10-24T21:00', '2022-03-26T22:00'],
  'Antarctica/Troll': ['2023-10-29T01:00', '2024-03-31T01:00'],
  'Pacific/Apia': ['2011-12-30T10:00', '2011-04-02T14:00', '2020-09-26T14:00'],
  'America/St_Johns': ['1996-04-07T03:31', '1996-10-27T02:31', '2024-03-10T05:30'],
  'Pacific/Chatham': ['2023-09-23T14:00', '2024-04-06T14:00'],
  'Asia/Pyongyang': ['2018-05-04T15:00'],
  'America/Caracas': ['2016-05-01T07:00'],
  'Europe/Moscow': ['2011-03-26T23:00', '2014-10-25T22:00'],
  'Asia/Tehran': ['2021-03-21T20:30', '2021-09-21T19:30'],
  'Atlantic/Azores': ['2023-10-29T01:00', '2024-03-31T01:00'],
  'America/Scoresbysund': ['2024-10-27T01:00', '2025-03-30T01:00'],
  'America/Goose_Bay': ['1996-04-07T04:01', '1996-10-27T03:01'],
  'Europe/Dublin': ['2023-10-29T01:00', '2024-03-31T01:00'],
};

/** Where a clock was put back by half an hour, many a pattern sends cron-parser round in circles, up to its limit. */
export const HALF_AN_HOUR_BACK = { zone: 'Australia/Lord_Howe', moment: '2024-04-06T15:00' };

/** Zones that keep one offset, and other ways of naming a zone. */
export const STEADY_ZONES: readonly string[] = [
  'UTC',
  'Asia/Kathmandu',
  'Asia/Kolkata',
  'Etc/GMT+5',
  'utc',
  'GMT',
  'UTC+5:30',
  'utc-3',
  'UTC-0:30',
  'asia/tokyo',
  'America/Phoenix',
];

/** What is no zone, for Node and for Python alike. */
export const NO_ZONES: readonly string[] = [
  '',
  'Mars/Olympus',
  'GMT+5',
  'UTC+123',
  'Europe/',
  '../UTC',
  'localtime',
  'Factory',
  ' UTC',
];
