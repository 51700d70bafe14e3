// Package workflows holds the processes of Tearoff and what others need to start them: inputs, results, task queue, ids
// and search attributes. A process moves nothing by itself: it reads where a redemption is in the store, takes the next
// step through an activity, and looks again. So it may be started, cancelled, terminated or raced at any time; the store
// decides, and whoever comes next goes on from there.
package workflows
