/**
 * node:http without what comes with `import`: an ES import reads every export, and one of them (WebSocket) loads all
 * of Node's built-in fetch, which costs 45 ms and some MB before a single request was made.
 */
export const { createServer, request } = process.getBuiltinModule('node:http')
