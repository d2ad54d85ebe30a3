import type { SerializedError } from 'vitest'
import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with the skipped tests by name and one plain line, for people and scripts: `12 passed, 0 failed`. */
export class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const inState = (state: string) => tests.filter((test) => test.result().state === state)
    // A file that cannot be loaded and a hook that throws leave no failed test behind, but fail the run.
    const broken = modules
      .flatMap((module) => [module, ...module.children.allSuites()])
      .filter((it) => it.errors().length)
    const skipped = inState('skipped')
    const counts = [
      `${inState('passed').length} passed`,
      `${inState('failed').length + broken.length + unhandledErrors.length} failed`,
      ...(skipped.length ? [`${skipped.length} skipped`] : []),
    ]
    for (const test of skipped) console.log(`skipped: ${test.fullName}`)
    console.log(counts.join(', '))
  }
}
