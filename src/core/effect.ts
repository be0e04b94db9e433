import type { RepoRef } from './subject.ts';

export interface Annotation {
  readonly path: string;
  readonly startLine: number;
  readonly endLine: number;
  readonly level: 'notice' | 'warning' | 'failure';
  readonly title: string;
  readonly message: string;
}

/** One write as data, to GitHub or to a chat. Idempotent by `key`; enacting twice is once. */
export type Effect =
  | {
      readonly kind: 'check-run';
      readonly key: string;
      readonly repo: RepoRef;
      readonly name: string;
      readonly headSha: string;
      readonly externalId: string;
      readonly conclusion: 'success' | 'failure' | 'action_required';
      readonly title: string;
      readonly summary: string;
      readonly text: string;
      readonly annotations: readonly Annotation[];
      /** What this posting shows, so that the time of the write can be kept with it (R10). */
      readonly shown: {
        readonly pull: number;
        readonly baseRef: string;
        readonly digest: string;
      } | null;
    }
  | {
      readonly kind: 'labels';
      readonly key: string;
      readonly repo: RepoRef;
      readonly pull: number;
      readonly add: readonly {
        readonly name: string;
        readonly color: string;
        readonly description: string;
      }[];
      readonly remove: readonly string[];
    }
  | {
      readonly kind: 'review-deployment';
      readonly key: string;
      readonly repo: RepoRef;
      readonly runId: number;
      readonly environment: string;
      readonly state: 'approved' | 'rejected';
      readonly comment: string;
    }
  | {
      readonly kind: 'deployment-note';
      readonly key: string;
      readonly repo: RepoRef;
      readonly runId: number;
      readonly environment: string;
      readonly comment: string;
    }
  /** The one issue of a repository that tells of deployments past the gate; edited, not repeated. */
  | {
      readonly kind: 'issue';
      readonly key: string;
      readonly repo: RepoRef;
      readonly title: string;
      readonly body: string;
    }
  /** The one comment about a gate on a pull request; edited, not repeated. */
  | {
      readonly kind: 'pull-comment';
      readonly key: string;
      readonly repo: RepoRef;
      readonly pull: number;
      readonly environment: string;
      readonly body: string;
      /** The wait is over: written only where an earlier comment says that it waits. */
      readonly over: boolean;
    }
  | {
      readonly kind: 'review-request';
      readonly key: string;
      readonly repo: RepoRef;
      readonly pull: number;
      readonly environment: string;
      readonly logins: readonly string[];
    }
  /** A message to the chat of the server's settings; its address is a secret and never in here. */
  | {
      readonly kind: 'notice';
      readonly key: string;
      readonly repo: RepoRef;
      readonly runId: number;
      readonly environment: string;
      /** Plain text without any markup, as are the lines. */
      readonly title: string;
      readonly lines: readonly string[];
      /** The wait is over: told only where it was told that it waits. */
      readonly over: boolean;
    };

/** Every kind once: a new one does not compile until it stands here. */
export const EFFECT_KINDS: { readonly [Kind in Effect['kind']]: Kind } = {
  'check-run': 'check-run',
  labels: 'labels',
  'review-deployment': 'review-deployment',
  'deployment-note': 'deployment-note',
  issue: 'issue',
  'pull-comment': 'pull-comment',
  'review-request': 'review-request',
  notice: 'notice',
};

/** What became of an effect. `uncertain`: sent, the answer was lost; the truth is read before a repeat. */
export interface EffectOutcome {
  readonly status: 'done' | 'refused' | 'retry' | 'uncertain';
  /** GitHub's id of what was written (check run id), where there is one. */
  readonly githubId: number | null;
  /** `Date` header of GitHub's answer. */
  readonly githubAtMs: number | null;
  readonly httpStatus: number | null;
  readonly detail: string | null;
  readonly retryAfterMs: number | null;
}
