/** What the web room needs of a logger; pino is one. Objects hold ids and figures, never content. */
export interface Log {
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}
