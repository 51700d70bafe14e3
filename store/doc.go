// Package store is the coupon store: MySQL, and SQLite for trying out, through gorm. It owns every SQL statement of
// Tearoff. An exported method is one transaction (or one read); what it does is done whole or not at all, and doing it
// again with the same keys gives the same answer.
//
// All writers lock in one order, in each by primary key: what a process drives (redemptions, refunds, distributions, bulk_changes,
// code_jobs, reminder_runs, imports) → redemption_names → tcc_branches → batch_counters → user_counters → coupons → codes → users →
// audiences → inserts → batch_lives. Only a range of a distribution locks its users before the counter, because they are many; who
// meets it the other way round begins again. They read and lock, decide in memory, and write only what was accepted. Every guarded UPDATE
// also moves a sequence, because MySQL counts changed rows, not matched ones: RowsAffected 0 always means that the guard
// failed. Rows of coupon_limits have no locks of their own: who writes them holds the batch's counter.
//
// What only one redemption can have, an idempotency key or an order, is a row of redemption_names (name.go), and no unique
// key of redemptions: there an insert locks the neighbours in each index too, in the order in which it happens to come. Who
// wants to take or free names locks all of them first, whether anybody has them or not. So nothing fails for being a
// duplicate, and what is read of them stays true.
//
// What takes many operations at once (Perform, and all that is made of it) locks and reads for all of them first, judges one
// after the other in memory, and writes what came of it in a number of statements that doesn't depend on how many there
// are.
//
// Time is the database's clock in UTC. Errors that a caller can act on are *models.Error; a database that can't be
// reached is models.CodeUnavailable.
package store
