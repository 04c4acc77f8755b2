#if os(Linux) && Lab
    import CLab
    import ChaosTopology

    extension chaos_filter_step {
        /// A step of a filter as the kernel takes it.
        init(_ step: FilterStep) {
            self.init(
                code: step.code, if_true: step.ifTrue, if_false: step.ifFalse, value: step.value)
        }
    }
#endif
