/** An AMQP binding key: words between dots, `*` for one word, `#` for any number of them, also none. */
export function topicMatches(pattern: string, routingKey: string): boolean {
  return wordsMatch(pattern.split('.'), routingKey.split('.'))
}

function wordsMatch([expected, ...pattern]: string[], words: string[]): boolean {
  if (expected === undefined) return words.length === 0
  if (expected === '#')
    return wordsMatch(pattern, words) || (words.length > 0 && wordsMatch(['#', ...pattern], words.slice(1)))
  return words.length > 0 && (expected === '*' || expected === words[0]) && wordsMatch(pattern, words.slice(1))
}

/** A binding of a headers exchange: all the headers it names must be the same, or with `x-match: any` one of them. */
export function headersMatch(
  { 'x-match': match = 'all', ...wanted }: Readonly<Record<string, unknown>>,
  headers: Readonly<Record<string, unknown>>,
): boolean {
  const isSame = ([name, value]: [string, unknown]) => headers[name] === value
  return match === 'any' ? Object.entries(wanted).some(isSame) : Object.entries(wanted).every(isSame)
}
