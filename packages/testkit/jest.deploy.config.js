// Tests of what operators run: the image, compose, manifests, load scripts, dashboards. Each file says what it needs.
import config from './jest.config.js';

export default { ...config, testMatch: ['<rootDir>/deploy/test/**/*.dtest.ts'], testTimeout: 600_000 };
