import { unreachable } from '../contract/result.ts'
import type { Notice } from '../contract/snapshot.ts'
import { bytes } from './format.ts'

/** A notice as a person reads it; `wants` is true where there is something to look at or do. */
export interface NoticeWords {
  title: string
  detail: string
  wants: boolean
}

export function noticeWords(notice: Notice): NoticeWords {
  switch (notice.kind) {
    case 'file-set-aside':
      return {
        title: `${lastSegment(notice.file)} could not be read`,
        detail: `It was kept as ${lastSegment(notice.keptAs)} beside it, and Zotbar goes on with the defaults.`,
        wants: true,
      }
    case 'socket-elsewhere':
      return {
        title: 'The control socket is elsewhere',
        detail: `The path in Zotbar's folder is too long for a socket, so it is at ${notice.path}. The command line finds it by itself.`,
        wants: false,
      }
    case 'storage-nearly-full':
      return {
        title: `The disk has ${bytes(notice.freeBytes)} left of ${bytes(notice.volumeBytes)}`,
        detail: 'When it is full, pushes fail; what is stored stays readable.',
        wants: true,
      }
    case 'config-written':
      return {
        title: 'A first config.json was written',
        detail: `It is ${notice.file}; the images go to ${notice.data}. Both are yours to change.`,
        wants: false,
      }
    default:
      return unreachable(notice)
  }
}

const lastSegment = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
