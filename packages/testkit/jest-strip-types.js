// Jest transform: the type stripping that Node does when it runs the sources, so tests run the same text.
import { stripTypeScriptTypes } from 'node:module';

export default { process: (source) => ({ code: stripTypeScriptTypes(source, { mode: 'strip' }) }) };
