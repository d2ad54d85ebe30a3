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
