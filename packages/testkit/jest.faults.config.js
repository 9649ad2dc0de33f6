// Tests that kill, freeze and cut off what a cluster is made of, and wait until it has noticed: minutes.
import config from './jest.config.js';

export default {
  ...config,
  testMatch: ['<rootDir>/packages/*/test/**/*.ftest.ts'],
  testTimeout: 120_000,
  // Each file has several scenarios at once, each with processes of its own.
  maxWorkers: 3,
};
