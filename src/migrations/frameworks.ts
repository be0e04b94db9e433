/**
 * Every framework that is known, in the order in which they win a folder that several claim with
 * the same certainty. A new one is one file and one line here, a fixture and a documentation row.
 */
import { drizzle } from './drizzle.ts';
import type { Framework } from './framework.ts';
import { plain } from './plain.ts';
import { prisma } from './prisma.ts';

export const frameworks: readonly Framework[] = [drizzle, prisma, plain];
