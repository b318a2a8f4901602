import type { Socket } from 'node:net'

/** Milliseconds that what has arrived has to be read, once nothing can be written any more. */
const readMs = 1_000

type Done = (error?: Error | null) => void

/**
 * A server may refuse a request before it has all of it, and close the connection: what is then sent is answered with a
 * reset. The write fails, and a socket whose write fails is destroyed, with the answer that it may hold unread. So a
 * failed write of this socket is reported late: when reading has come to its end, too.
 */
export function tellWriteErrorsLate(socket: Socket): void {
  const late = (done: Done): Done => {
    return (error) => {
      if (error === undefined || error === null) return done()
      const tell = () => {
        clearTimeout(timer)
        socket.off('end', tell).off('close', tell)
        done(error)
      }
      const timer = setTimeout(tell, readMs)
      socket.once('end', tell).once('close', tell)
    }
  }
  const write = socket._write.bind(socket)
  const writev = socket._writev?.bind(socket)
  socket._write = (chunk, encoding, done) => write(chunk, encoding, late(done))
  if (writev !== undefined) socket._writev = (chunks, done) => writev(chunks, late(done))
}
