// Tests of what operators run: the image, compose, manifests, load scripts, dashboards. Each file says what it needs.
import config from './jest.config.js';

export default {
  ...config,
  testMatch: ['<rootDir>/deploy/test/**/*.dtest.ts'],
  testTimeout: 600_000,
  // Each test by its name, also when several files run: these are what an operator wants to know.
  verbose: true,
};
