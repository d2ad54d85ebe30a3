type Program = (...values: unknown[]) => Promise<unknown>

const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (...words: string[]) => Program

/**
 * Runs a program that the user wrote, with the session's words in scope and top-level await. An expression gives its
 * value; statements give what they return.
 *
 * @throws whatever the program throws; SyntaxError when it is no program
 */
export async function evaluate(program: string, words: Readonly<Record<string, unknown>>): Promise<unknown> {
  return compile(program, Object.keys(words))(...Object.values(words))
}

function compile(program: string, names: readonly string[]): Program {
  const expression = program.trim().replace(/;+$/, '')
  try {
    return new AsyncFunction(...names, `return (${expression}\n)`)
  } catch {
    // In a block, so that its own names may be those of tasks.
    return new AsyncFunction(...names, `{${program}\n}`)
  }
}
