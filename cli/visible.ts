/** Terminals obey control characters, and directions of writing make text look like another. */
const commands = /(?!\t)[\p{Cc}\p{Bidi_Control}]/gu

/** Text that strangers may have written (labels, platforms, lines of a log), as it may stand in one line. */
export const visible = (text: string): string => text.replace(commands, '�')

/** The same for several lines. */
export const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n')
