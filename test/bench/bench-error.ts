/** Something that its reader can mend: told in one sentence, without a trace of the stack. */
export class BenchError extends Error {}
