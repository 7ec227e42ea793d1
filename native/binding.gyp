{
  'targets': [
    {
      'target_name': 'faceparse_native',
      'sources': [
        'src/addon.cc',
        'src/engine.cc',
        'src/executor.cc',
        'src/kernel-steps.cc',
        'src/memory-block.cc',
        'src/onednn-primitives.cc',
        'src/onednn-steps.cc',
        'src/augmentation-binding.cc',
        'src/augmentation-avx2.cc',
        'src/augmentation.cc',
        'src/plan-reader.cc',
        'src/program.cc',
        'src/kernels/kernels-avx2.cc',
        'src/kernels/kernels-avx512.cc',
        'src/kernels/kernels-baseline.cc',
        'src/kernels/select-kernels.cc',
        'src/kernels/workspaces.cc',
      ],
      'include_dirs': ['node-addon-api'],
      'defines': ['NAPI_VERSION=8', 'NODE_ADDON_API_DISABLE_DEPRECATED', 'NODE_ADDON_API_CPP_EXCEPTIONS', 'NODE_ADDON_API_CPP_EXCEPTIONS_ALL'],
      'cflags': ['-O3', '-fopenmp', '-fno-math-errno', '-fno-trapping-math', '-Wall', '-Wextra'],
      'cflags!': ['-fno-exceptions'],
      'cflags_cc': ['-std=c++17'],
      'cflags_cc!': ['-fno-exceptions', '-fno-rtti', '-std=gnu++17'],
      'ldflags': ['-fopenmp'],
      'libraries': ['-ldnnl'],
      'variables': { 'sanitize%': '<!(node -p "process.env.FACEPARSE_NATIVE_SANITIZE || \'\'")' },
      'conditions': [
        [
          'sanitize=="yes"',
          {
            'cflags': ['-fsanitize=address,undefined', '-fno-omit-frame-pointer', '-g', '-O1'],
            'ldflags': ['-fsanitize=address,undefined'],
          },
        ],
      ],
    },
  ],
}
