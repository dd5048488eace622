/** JMH benchmarks: every claim about speed, each beside a peer measured in the same run. */
@NullMarked
package org.vadose.bench;

import org.jspecify.annotations.NullMarked;
