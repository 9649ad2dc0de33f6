import { expect, test } from '@jest/globals';
import { report, type SummaryData } from './summary.ts';

const HELD = { ok: true };

function data(metrics: SummaryData['metrics']): SummaryData {
  return { metrics, state: { testRunDurationMs: 12_340 } };
}

test('says what was asked, what was done, and that everything held', () => {
  const text = report(
    'party: one room',
    data({
      rooms_finished: { values: { count: 1 }, thresholds: { 'count>=1': HELD } },
      frames_received: { values: { count: 1_234_567 } },
      frames_lost: { values: { count: 0 }, thresholds: { 'count==0': HELD } },
      round_trip: { values: { count: 10, med: 1.5, 'p(95)': 20, 'p(99)': 30.123, max: 100 } },
    }),
  );
  expect(text).toContain('party: one room\nran 12.3 s\n');
  expect(text).toContain('rooms finished 1, rooms unfinished 0, players joined 0');
  expect(text).toContain('received 1,234,567');
  expect(text).toMatch(/^round_trip +10 +1\.5 +20 +30\.12 +100$/m);
  expect(text).toContain('2 thresholds held, 0 broken');
});

test('names each broken threshold with the value that came, also when none came', () => {
  const text = report(
    'party',
    data({
      frames_lost: { values: { count: 3 }, thresholds: { 'count==0': { ok: false } } },
      round_trip: { values: { 'p(95)': 251.5 }, thresholds: { 'p(95)<250': { ok: false } } },
      players_joined: { values: {}, thresholds: { 'count>=8': { ok: false } } },
    }),
  );
  expect(text).toContain('BROKEN    frames_lost: count==0, came 3\n');
  expect(text).toContain('BROKEN    round_trip: p(95)<250, came 251.5\n');
  expect(text).toContain('BROKEN    players_joined: count>=8, came nothing\n');
  expect(text).toContain('0 thresholds held, 3 broken');
});

test('closes are listed in order of their codes, without those that nobody got', () => {
  const closes = (code: number, count: number): SummaryData['metrics'] => ({
    [`closes{code:${code}}`]: { values: { count } },
  });
  const metrics = { ...closes(1012, 5), ...closes(1001, 90), ...closes(1006, 0), ...closes(0, 2) };
  expect(report('party', data(metrics))).toContain('closes    never opened: 2, 1001: 90, 1012: 5\n');
  expect(report('party', data({}))).toContain('closes    none\n');
});

test('a script shows counters and trends of its own', () => {
  const metrics = { interruptions: { values: { count: 9 } }, back: { values: { med: 5, count: 2 } } };
  const text = report('deploy', data(metrics), ['interruptions', 'back', 'absent']);
  expect(text).toContain('interruptions 9');
  expect(text).toMatch(/^back +2 +5 +- +- +-$/m);
  expect(text).not.toContain('absent');
});
