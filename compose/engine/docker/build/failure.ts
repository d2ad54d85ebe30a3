import { messageOf, StackError } from '../../../errors.ts'
import type { BuildProgress, BuildSpec } from '../../build.ts'
import { instructionsOf } from './dockerfile.ts'

const shownLines = 20

/** Keeps what a failed build is told with: the step that was at work, and what it wrote. */
export class BuildStory {
  readonly #spec: BuildSpec
  readonly #dockerfile: string
  #instruction = ''
  #output: string[] = []

  constructor(spec: BuildSpec, dockerfile: string) {
    this.#spec = spec
    this.#dockerfile = dockerfile
  }

  heard(progress: BuildProgress): void {
    if (progress.kind === 'step') {
      this.#instruction = progress.instruction
      this.#output = []
    }
    if (progress.kind === 'output') this.#output = [...this.#output, progress.text].slice(-shownLines)
  }

  /** @param instruction the one that failed, when the builder names it; it carries out several at once */
  failed(thrown: unknown, instruction = this.#instruction, output: readonly string[] = this.#output): StackError {
    if (thrown instanceof StackError) return thrown
    const reason = messageOf(thrown)
      .replace(/^\(HTTP code \d+\) .*? - /s, '')
      .trim()
    const message = `cannot build ${this.#spec.images[0]}: ${this.#place(instruction, reason)}${reason}`
    const details = output.slice(-shownLines)
    return new StackError('BUILD_FAILED', message, { cause: thrown, details, next: nextOf(reason) })
  }

  /** `Dockerfile:7 RUN npm ci: ` */
  #place(instruction: string, reason: string): string {
    // A mistake of the syntax names its line itself.
    if (instruction === '' || /\bline \d+/.test(reason)) return ''
    const name = this.#spec.config.dockerfile_inline
      ? 'dockerfile_inline'
      : (this.#spec.config.dockerfile ?? 'Dockerfile')
    const line = lineOf(this.#dockerfile, instruction)
    return `${name}${line === undefined ? '' : `:${line}`} ${instruction}: `
  }
}

/** Builders print an instruction with other blanks than the file has. */
function lineOf(dockerfile: string, instruction: string): number | undefined {
  const plain = (text: string) => text.replace(/[\s"'`\\]+/g, '').toLowerCase()
  const wanted = plain(instruction)
  const all = instructionsOf(dockerfile)
  const found = all.find(({ text }) => plain(text) === wanted) ?? all.find(({ text }) => wanted.startsWith(plain(text)))
  return found?.line
}

const nexts: readonly { readonly text: RegExp; readonly next: string }[] = [
  {
    text: /requires BuildKit|--mount option|unknown flag/i,
    next: 'Install the buildx plugin of Docker (docker-buildx), which builds with BuildKit.',
  },
  {
    text: /unsupported frontend capability/i,
    next: 'The BuildKit of the Docker engine is too old for a key of this `build`: upgrade Docker.',
  },
  {
    text: /COPY failed|ADD failed|excluded by \.dockerignore|failed to compute cache key|"\/[^"]*": not found/i,
    next: 'Correct the path: it begins at `build.context`, and .dockerignore must not exclude it.',
  },
  { text: /parse error|unknown instruction/i, next: 'Correct this line of the Dockerfile.' },
  {
    text: /failed to reach build target|target stage .* could not be found/i,
    next: 'Correct `build.target`: it names a stage of the Dockerfile (FROM … AS name).',
  },
  {
    text: /no such host|dial tcp|network is unreachable|i\/o timeout|TLS handshake/i,
    next: 'The registry of the base image cannot be reached: check the network of the Docker engine.',
  },
  {
    text: /pull access denied|unauthorized|authentication required/i,
    next: 'Check the name of the base image; for a private one, `docker login` first.',
  },
  {
    text: /no space left on device/i,
    next: 'The disk of the Docker engine is full: `docker system prune` frees space.',
  },
]

function nextOf(reason: string): string {
  return (
    nexts.find(({ text }) => text.test(reason))?.next ??
    'Correct the instruction named above; --verbose shows all of the build.'
  )
}
