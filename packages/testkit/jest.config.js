// How every test of the workspace runs: TypeScript from source, types stripped by Node itself, ESM throughout.
export default {
  rootDir: '../..',
  testMatch: ['<rootDir>/packages/*/{src,test}/**/*.{test,itest}.ts'],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'json', 'node'],
  transform: { '\\.ts$': '<rootDir>/packages/testkit/jest-strip-types.js' },
  maxWorkers: 2,
};
