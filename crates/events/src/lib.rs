//! Every change as a numbered event: written with the change, replayed to whoever was away.
