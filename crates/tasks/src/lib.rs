//! Durable tasks: claim, lease, fence, steps, fan-out, schedules and one active task per key.
