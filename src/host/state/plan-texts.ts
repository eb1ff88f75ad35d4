/** Plans as they are recorded. */
import { withoutContents } from '../../plan/replan-files.ts'
import type { PodPlan } from '../../plan/types.ts'

export interface PlanTexts {
  /** JSON, without the contents of its files: they are in their objects, and a Secret is in no second place. */
  write(uid: string, plan: PodPlan): string
  read(uid: string, text: string): PodPlan
  /** Forgets those of pods that are gone. */
  keepOnly(uids: readonly string[]): void
}

/** A pod's record is read at every step of its life, and its plan hardly ever changes: the same text is parsed once. */
export function openPlanTexts(): PlanTexts {
  const known = new Map<string, { readonly text: string; readonly plan: PodPlan }>()
  return {
    write(uid, plan) {
      const bare = withoutContents(plan)
      const text = JSON.stringify(bare)
      known.set(uid, { text, plan: bare })
      return text
    },
    read(uid, text) {
      const last = known.get(uid)
      if (last?.text === text) return last.plan
      const plan = JSON.parse(text) as PodPlan
      known.set(uid, { text, plan })
      return plan
    },
    keepOnly(uids) {
      if (known.size <= uids.length) return
      const there = new Set(uids)
      for (const uid of known.keys()) if (!there.has(uid)) known.delete(uid)
    },
  }
}
