//! Discovery, matching, jobs and their stages, and the background tasks behind them.
