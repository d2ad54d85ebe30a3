import { Celery } from 'celery-sandbox'
import config from './celery.config.ts'

/** The application: what defines tasks, sends them and runs them. Each module in tasks/ adds its own. */
export const app = new Celery('tasks', config)
