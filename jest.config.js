// Three projects: fast (every change), system (whole machines, in CI), long (behind npm run test:long).
const base = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1', '^previrt$': '<rootDir>/src/index.ts' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  modulePathIgnorePatterns: ['<rootDir>/dist'],
}

// A test that hangs is ended; how fast the machine is at the moment decides nothing.
const HANGS_AFTER_MILLISECONDS = 120_000

export default {
  testTimeout: HANGS_AFTER_MILLISECONDS,
  projects: [
    {
      ...base,
      displayName: 'fast',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['\\.system\\.test\\.ts$', '\\.long\\.test\\.ts$'],
    },
    { ...base, displayName: 'system', testMatch: ['<rootDir>/test/**/*.system.test.ts'] },
    { ...base, displayName: 'long', testMatch: ['<rootDir>/test/**/*.long.test.ts'] },
  ],
}
