import { readScale } from '../command.ts'
import { CliError } from '../errors.ts'
import { stackVerb } from '../stack-verb.ts'

export const command = stackVerb({
  arguments: [['<service=n...>', 'how many containers each of these shall have']],
  options: {},
  examples: ['celery-sandbox scale worker=4', 'celery-sandbox scale worker=1 beat=0'],
  act: (stack, _, words) => stack.scale(numbersIn(words)),
})

function numbersIn(words: readonly string[]): Readonly<Record<string, number>> {
  try {
    return Object.assign({}, ...words.map(readScale))
  } catch (error) {
    throw new CliError('USAGE', error instanceof Error ? error.message : String(error), {
      next: 'For example: celery-sandbox scale worker=4',
    })
  }
}
