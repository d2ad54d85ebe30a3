import type { ContainerImage } from '../../compose/index.ts'
import { defineCommand, flag } from '../command.ts'
import { sanitize } from '../output/sanitize.ts'
import { table } from '../output/table.ts'
import { openProjectStack, stackOptions } from '../project.ts'

type ImagesEvent =
  | { type: 'images'; project: string; images: readonly ContainerImage[] }
  | { type: 'image-id'; id: string }

export const command = defineCommand({
  arguments: [['[services...]', 'only these (default: all)']],
  options: { quiet: flag('-q, --quiet', 'print ids only, each once'), ...stackOptions },
  examples: ['celery-sandbox images', 'celery-sandbox images --quiet', 'celery-sandbox images --json'],

  async *run(context, options, services): AsyncIterable<ImagesEvent> {
    const stack = await openProjectStack(context, options)
    try {
      const all = await stack.images()
      const images = services.length > 0 ? all.filter(({ service }) => services.includes(service)) : all
      if (!options.quiet) yield { type: 'images', project: stack.project.name, images }
      else for (const id of new Set(images.map((image) => plainId(image.id)))) yield { type: 'image-id', id }
    } finally {
      await stack.close()
    }
  },

  text(event, paint) {
    if (event.type === 'image-id') return sanitize(event.id)
    if (event.images.length === 0) return `No container of ${sanitize(event.project)} is there.`
    const rows = event.images.map(({ container, repository, tag, platform, id, size, created }) => [
      paint.name(sanitize(container)),
      sanitize(repository || '<none>'),
      sanitize(tag || '<none>'),
      platform,
      plainId(id).slice(0, 12),
      `${(size / 1e6).toFixed(1)} MB`,
      created ? ageOf(created) : '-',
    ])
    const titles = ['CONTAINER', 'REPOSITORY', 'TAG', 'PLATFORM', 'IMAGE ID', 'SIZE', 'CREATED']
    return table([titles.map(paint.dim), ...rows])
  },
})

const plainId = (id: string) => id.replace(/^sha256:/, '')

const units: readonly (readonly [string, number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
]

/** `4 hours ago` */
function ageOf(time: string): string {
  const age = Math.max(0, Date.now() - Date.parse(time))
  const [unit, ms] = units.find(([, length]) => age >= length) ?? ['second', 1000]
  const count = Math.floor(age / ms)
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`
}
