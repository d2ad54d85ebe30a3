import { maskUrl } from '../../src/index.ts'

/**
 * Hides values wherever they stand in a text, also as JSON, as addresses and as base64 have them; beside them passwords
 * in addresses, and what follows `password=`, `token:` and the like.
 */
export function createMask(secrets: readonly string[]): (text: string) => string {
  const forms = secrets.flatMap((secret) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  ])
  // A secret may begin another one.
  const longestFirst = [...new Set(forms)].filter(Boolean).sort((a, b) => b.length - a.length)
  return (text) => assignments(maskUrl(longestFirst.reduce((masked, form) => masked.replaceAll(form, '**'), text)))
}

const assignments = (text: string) =>
  text.replace(
    /\b([\w-]*(?:password|passwd|secret|token|(?:api|secret|private)_?key))(["']?[^\S\n]*[=:][^\S\n]*["']?)([^\s"',;&}]+)/gi,
    '$1$2**',
  )
