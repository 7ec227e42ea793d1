import { losses } from '../../losses/registry.ts';

/** Works that a report can cite, by the key that its text uses (`@key`), as BibTeX; see `allWorks` for those on losses. */
const works: Readonly<Record<string, string>> = {
  adamw: `@inproceedings{adamw,
  author = {Loshchilov, Ilya and Hutter, Frank},
  title = {Decoupled Weight Decay Regularization},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year = {2019},
}`,
  'batch-norm': `@inproceedings{batch-norm,
  author = {Ioffe, Sergey and Szegedy, Christian},
  title = {Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift},
  booktitle = {International Conference on Machine Learning (ICML)},
  year = {2015},
}`,
  celebamask: `@inproceedings{celebamask,
  author = {Lee, Cheng-Han and Liu, Ziwei and Wu, Lingyun and Luo, Ping},
  title = {{MaskGAN}: Towards Diverse and Interactive Facial Image Manipulation},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year = {2020},
}`,
  clipping: `@inproceedings{clipping,
  author = {Pascanu, Razvan and Mikolov, Tomas and Bengio, Yoshua},
  title = {On the Difficulty of Training Recurrent Neural Networks},
  booktitle = {International Conference on Machine Learning (ICML)},
  year = {2013},
}`,
  coordconv: `@inproceedings{coordconv,
  author = {Liu, Rosanne and Lehman, Joel and Molino, Piero and Petroski Such, Felipe and Frank, Eric and Sergeev, Alex and Yosinski, Jason},
  title = {An Intriguing Failing of Convolutional Neural Networks and the {CoordConv} Solution},
  booktitle = {Advances in Neural Information Processing Systems (NeurIPS)},
  year = {2018},
}`,
  'copy-paste': `@inproceedings{copy-paste,
  author = {Ghiasi, Golnaz and Cui, Yin and Srinivas, Aravind and Qian, Rui and Lin, Tsung-Yi and Cubuk, Ekin D. and Le, Quoc V. and Zoph, Barret},
  title = {Simple Copy-Paste is a Strong Data Augmentation Method for Instance Segmentation},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year = {2021},
}`,
  cutmix: `@inproceedings{cutmix,
  author = {Yun, Sangdoo and Han, Dongyoon and Oh, Seong Joon and Chun, Sanghyuk and Choe, Junsuk and Yoo, Youngjoon},
  title = {{CutMix}: Regularization Strategy to Train Strong Classifiers with Localizable Features},
  booktitle = {IEEE/CVF International Conference on Computer Vision (ICCV)},
  year = {2019},
}`,
  mobilenet: `@inproceedings{mobilenet,
  author = {Sandler, Mark and Howard, Andrew and Zhu, Menglong and Zhmoginov, Andrey and Chen, Liang-Chieh},
  title = {{MobileNetV2}: Inverted Residuals and Linear Bottlenecks},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year = {2018},
}`,
  nesterov: `@inproceedings{nesterov,
  author = {Sutskever, Ilya and Martens, James and Dahl, George and Hinton, Geoffrey},
  title = {On the Importance of Initialization and Momentum in Deep Learning},
  booktitle = {International Conference on Machine Learning (ICML)},
  year = {2013},
}`,
  polyak: `@article{polyak,
  author = {Polyak, Boris T. and Juditsky, Anatoli B.},
  title = {Acceleration of Stochastic Approximation by Averaging},
  journal = {SIAM Journal on Control and Optimization},
  volume = {30},
  number = {4},
  pages = {838--855},
  year = {1992},
}`,
  pspnet: `@inproceedings{pspnet,
  author = {Zhao, Hengshuang and Shi, Jianping and Qi, Xiaojuan and Wang, Xiaogang and Jia, Jiaya},
  title = {Pyramid Scene Parsing Network},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  year = {2017},
}`,
  resnet: `@inproceedings{resnet,
  author = {He, Kaiming and Zhang, Xiangyu and Ren, Shaoqing and Sun, Jian},
  title = {Deep Residual Learning for Image Recognition},
  booktitle = {IEEE Conference on Computer Vision and Pattern Recognition (CVPR)},
  year = {2016},
}`,
  senet: `@inproceedings{senet,
  author = {Hu, Jie and Shen, Li and Sun, Gang},
  title = {Squeeze-and-Excitation Networks},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year = {2018},
}`,
  sgdr: `@inproceedings{sgdr,
  author = {Loshchilov, Ilya and Hutter, Frank},
  title = {{SGDR}: Stochastic Gradient Descent with Warm Restarts},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year = {2017},
}`,
  unet: `@inproceedings{unet,
  author = {Ronneberger, Olaf and Fischer, Philipp and Brox, Thomas},
  title = {{U-Net}: Convolutional Networks for Biomedical Image Segmentation},
  booktitle = {Medical Image Computing and Computer-Assisted Intervention (MICCAI)},
  year = {2015},
}`,
};

/** All works, with those that the losses cite; losses may have been registered. */
function allWorks(): Readonly<Record<string, string>> {
  return Object.assign({}, works, ...losses.map((loss) => loss.works));
}

/** Keys of the works that a typst text cites, in alphabetical order. */
export function citedWorks(text: string): string[] {
  return Object.keys(allWorks())
    .sort()
    .filter((key) => new RegExp(`(?<!\\\\)@${key}(?![\\w-])`).test(text));
}

/** BibTeX of the works that a typst text cites. */
export function bibliography(text: string): string {
  const known = allWorks();
  return citedWorks(text)
    .map((key) => `${known[key]}\n`)
    .join('\n');
}
