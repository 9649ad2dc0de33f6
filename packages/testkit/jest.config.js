// How every test of the workspace runs: TypeScript from source, types stripped by Node itself, ESM throughout.
export default {
  rootDir: '../..',
  testMatch: ['<rootDir>/packages/*/{src,test}/**/*.{test,itest}.ts', '<rootDir>/deploy/k6/**/*.test.ts'],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'json', 'node'],
  transform: { '\\.ts$': '<rootDir>/packages/testkit/jest-strip-types.js' },
  // The deadlines within tests say what is missing; this one must not come first.
  testTimeout: 60_000,
  // Twice the cores of a small machine: many tests wait for something that takes its time.
  maxWorkers: 4,
};
